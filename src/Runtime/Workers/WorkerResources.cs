namespace Singa.Actors.Runtime.Workers;

/// <summary>
/// What a worker holds that its device may still be reading or writing when the worker ends, for whatever reason. Its node lets go
/// of it once the device has.
/// </summary>
internal sealed class WorkerResources : IDisposable
{
    private readonly List<IDisposable> held = [];

    public T Hold<T>(T resource) where T : IDisposable
    {
        held.Add(resource);
        return resource;
    }

    public void Dispose()
    {
        foreach (var resource in held)
            resource.Dispose();
        held.Clear();
    }
}
