"""What families of dialects share: JSON between marks, XML parameters, Python literals."""
