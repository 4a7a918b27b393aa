"""Who may use which command, and what may be typed there."""
