"""What is learned: masked language modelling and replaced token detection."""
