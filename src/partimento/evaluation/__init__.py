"""How good music is: copy check, distances between sets of pieces, harmony and rhythm, tables."""
