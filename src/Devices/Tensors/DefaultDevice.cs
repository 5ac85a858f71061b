namespace Singa.Actors.Devices;

/// <summary>The device on which the process computes tensors by hand: the CPU with all its cores, opened when it is first needed.</summary>
public static class DefaultDevice
{
    private static readonly Lock Gate = new();
    private static TensorDevice? current;
    private static DeviceDescription? chosen;

    public static TensorDevice Current
    {
        get
        {
            lock (Gate)
                return current ??= new TensorDevice(Backends.Create(chosen ?? Describe("cpu:0", null)));
        }
    }

    /// <summary>Another device or number of threads; before the first tensor is computed.</summary>
    /// <param name="device">As in <c>cpu:0</c>.</param>
    /// <param name="threads">Of a CPU; null: all cores.</param>
    /// <exception cref="DeviceNotFoundException">There is no such device.</exception>
    /// <exception cref="InvalidOperationException">The default device is in use already.</exception>
    public static void Configure(string device = "cpu:0", int? threads = null)
    {
        lock (Gate)
        {
            if (current is not null)
                throw new InvalidOperationException($"the default device is {current.Properties.Name} and in use; choose another before the first tensor is computed, or open a TensorDevice of your own");
            chosen = Describe(device, threads);
        }
    }

    private static DeviceDescription Describe(string device, int? threads) => DeviceCatalog.Parse(device, threads, Environment.ProcessorCount) is [var one] ? one
        : throw new DeviceNotFoundException($"'{device}' is not one device: the default device is one, as in cpu:0");
}
