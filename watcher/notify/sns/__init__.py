"""A topic of Amazon SNS: whoever is subscribed to it is told, by mail, text message, queue or function."""
