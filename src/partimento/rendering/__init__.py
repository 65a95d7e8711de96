"""A score to hear and to look at: sound, engraved pages, piano roll."""
