"""The embedded engine: containers are sandboxed processes of this machine.

`engine` is the client that the control plane uses, `agent` the process that starts and watches
containers, `shim` the small process that each container has. A shim outlives both.
"""
