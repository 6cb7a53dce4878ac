"""CloudFront: distributions, invalidations, key value stores, and the edge that people ask."""
