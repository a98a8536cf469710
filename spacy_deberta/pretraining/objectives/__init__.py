"""The objectives: masked language modelling and replaced token detection."""
