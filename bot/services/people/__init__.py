"""What is kept of the people who write: logins, verifications, wishes and bans."""
