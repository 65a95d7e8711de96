"""What `remi` and `abc` share: music on a grid of twelve steps to a quarter, told bar by bar behind a header."""
