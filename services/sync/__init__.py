"""What every process that shows wallets shares: the feed of the topic, live streams, the log of what was applied."""
