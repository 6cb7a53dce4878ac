"""S3, as far as a static site needs it."""
