"""The agents: one role each, with one public verb. An agent is a prompt, a model and a way to read its answers."""

from codegrove.agents.coder import Coder
from codegrove.agents.critic import Critic
from codegrove.agents.debugger import Debugger
from codegrove.agents.planner import Planner
from codegrove.agents.role import Agent
from codegrove.agents.tester import Tester

AGENTS: dict[str, type[Agent]] = {agent.role: agent for agent in (Planner, Coder, Tester, Debugger, Critic)}
"""The agents by the name of their role."""

__all__ = ["AGENTS", "Agent", "Coder", "Critic", "Debugger", "Planner", "Tester"]
