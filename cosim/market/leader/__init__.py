"""The leader-follower game: one party sets prices, the others respond as they like best."""
