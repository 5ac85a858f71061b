namespace Singa.Actors.Devices;

/// <summary>The thread that may use a backend.</summary>
internal interface IDeviceThread
{
    /// <summary>Returns when <paramref name="action"/> has run there; what it throws is thrown here.</summary>
    void Run(Action action);
}

/// <summary>For backends that belong to the caller.</summary>
internal sealed class CallingThread : IDeviceThread
{
    public static readonly CallingThread Instance = new();

    public void Run(Action action) => action();
}
