"""What happens on Discord without being a command: messages, reactions, menus, sessions, failures."""
