//! The typed requests and answers between a client and the agent.
