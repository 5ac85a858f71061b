namespace Singa.Actors.Devices;

/// <summary>A device as people name it, <c>KIND:INDEX</c>, and the threads it may use where it computes on the processor.</summary>
public sealed record DeviceDescription(string Kind, int Index, int Threads)
{
    public string Name => $"{Kind}:{Index}";

    public override string ToString() => Name;
}

/// <summary>A device was asked for that does not exist here, or by a name that means none.</summary>
public sealed class DeviceNotFoundException(string message) : Exception(message);
