using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Tensors;

/// <summary>A tensor's numbers in memory of a device, given back once nobody refers to them.</summary>
internal sealed class DeviceValues : TensorValues
{
    private readonly TensorDevice device;

    public DeviceValues(TensorDevice device, DeviceMemory memory, long bytes)
    {
        (this.device, Memory, Bytes) = (device, memory, bytes);
        // The collector does not see native memory; told of it, it looks in time.
        GC.AddMemoryPressure(Math.Max(1, memory.Bytes));
    }

    ~DeviceValues()
    {
        device.Free(Memory);
        GC.RemoveMemoryPressure(Math.Max(1, Memory.Bytes));
    }

    public DeviceMemory Memory { get; }

    public override long Bytes { get; }

    public bool IsOn(TensorDevice other) => device == other;

    public override void CopyTo(long offset, Span<byte> target)
    {
        Check(offset, target.Length);
        device.Download(this, offset, target);
    }
}
