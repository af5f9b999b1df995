"""Programs of other people: how they are found and run, and where what they build is kept."""
