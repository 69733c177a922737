"""What a person uses: the commands."""
