"""What requests cost, and whether the app may pay for them."""
