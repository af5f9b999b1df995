"""How wide everything is: ranges, binary points, and the search that chooses them within an error budget."""
