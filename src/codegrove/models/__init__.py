"""Language models, simulated ones and scripted ones behind one port (`codegrove.models.port.Model`).

Nothing is imported here: adapters that load large packages are imported by `codegrove.models.specs` when a
specification asks for them.
"""
