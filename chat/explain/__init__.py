"""Reading captured answers: what a person would see of them, and what had to be mended."""
