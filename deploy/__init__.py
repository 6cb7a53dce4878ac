"""Acts: hears of deployments, and can put a tag back."""
