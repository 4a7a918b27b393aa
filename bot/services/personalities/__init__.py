"""Who can speak, under which names, and where on their own."""
