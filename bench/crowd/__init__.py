"""A crowd on the web at once: open streams and pages, while stores are slow or stand still."""
