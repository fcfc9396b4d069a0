"""The commands, by kind of work: `melvin.cli` puts them into its group."""
