"""The AI service: answers, profiles, logins."""
