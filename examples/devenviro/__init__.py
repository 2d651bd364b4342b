"""A small society of agents on memOS: its orchestrator, its agent, its tools, and a model server to try it with."""
