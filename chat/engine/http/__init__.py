"""HTTP/1.1 to a model server, at the cost of one callback and one wake-up per network read."""
