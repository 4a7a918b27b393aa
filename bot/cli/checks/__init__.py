"""The checks of `tzurot doctor`, by what they look at."""
