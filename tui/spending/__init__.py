"""What requests cost and whether they may be paid for."""
