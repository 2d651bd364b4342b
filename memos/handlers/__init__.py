"""What memOS does for each command: plain functions of a command and the ports it needs."""
