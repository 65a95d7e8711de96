"""What each degree of a scale speaks for: the weights that `benchmarks/analysis/fit.py keys` found.

Multinomial logistic regression on every second piece of samples of POP909, lieder, quartets, chorales, hymns, folk
tunes and lead sheets; where only the signature is known, either of its keys counts as right.
"""

import numpy as np

WEIGHTS = np.array([
    # major
    (
        7.1, -1.8, 0.6, -6.5, 2.2, 1.3, -3.9, 1.2, -1.6, 0.4, -5.0, 2.7,
        4.9, -2.7, -0.1, -1.9, 5.3, 1.6, -5.4, 2.3, 0.5, 0.9, -4.3, 0.8,
        -0.5, -0.6, -0.3, 0.0, 1.6, 1.9, 1.4, -0.5, -0.1, -0.5, 0.7, 0.8,
        0.1, 1.9, 0.9, 0.9, -0.8, -1.1, -0.8, 0.3, 0.2, -1.6, 0.5, -0.9,
        1.7, 0.7, 0.7, -0.7, 0.4, -1.6, -0.8, 1.3, 0.0, 0.6, -2.6, 0.0,
        0.6, -0.1, 0.0, 0.3, 0.5, -0.5, -0.1, 0.0, -1.0, 1.3, -0.7, -0.6,
        -0.2,
    ),
    # minor
    (
        4.6, -5.9, 2.6, 0.0, -4.9, 2.6, -1.3, 4.0, 3.3, -2.8, 1.6, -0.5,
        4.1, -1.7, 0.8, 3.5, -0.9, -0.7, -2.7, 1.6, -0.5, -4.6, 0.7, -1.5,
        2.1, -0.9, 1.8, -1.4, -0.9, -0.6, 0.0, -0.1, 0.7, -2.6, -1.1, -1.1,
        -0.1, -0.7, -1.7, 1.5, -1.5, -0.2, -0.5, 0.5, 1.0, -1.1, 0.7, 2.3,
        1.5, -0.6, 0.3, 0.0, 0.6, 0.8, -0.3, -0.1, -1.4, 0.7, 0.2, -1.6,
        0.3, 1.1, -0.7, 0.2, 0.0, -0.6, 1.3, 0.1, 0.1, -0.3, -0.6, -0.6,
        0.2,
    ),
])  # fmt: skip
"""Rows for major and minor: the twelve degrees by the square root of their share in the whole piece, in its opening
and in its close; the first bass, the last bass and the last highest note; the mode itself. Log odds, shape (2, 73)."""
WHOLE = WEIGHTS[:, :12]
"""What the degrees speak for wherever they sound, shape (2, 12)."""
