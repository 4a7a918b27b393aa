"""What `tzurot certify` needs of the program itself: its processes made to die, its databases looked into."""
