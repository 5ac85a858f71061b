using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Singa.Actors.Devices.Tensors;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Devices;

/// <summary>
/// Computes tensors by hand, outside any job: what is asked for is compiled, once for each structure, and run in the calling thread. A
/// tensor that was computed is a source for what is built on it, as long as somebody refers to it; then its memory is given back. From
/// several threads one computes after the other. Owns the backend.
/// </summary>
public sealed class TensorDevice(IBackend backend) : IDisposable
{
    private const int ChunkBytes = 64 << 20;

    // Smaller inputs are cheaper to bring along each time than to look after.
    private const long ResidentBytesMin = 64 << 10;

    private readonly Lock gate = new();
    private readonly ExpressionCache plans = new();
    private readonly ConditionalWeakTable<Tensor, TensorValues> computed = [];
    private readonly ConditionalWeakTable<TensorValues, DeviceValues> uploaded = [];
    private bool closed;

    public DeviceProperties Properties => Backend.Properties;

    /// <summary>How many plans were compiled so far: an expression on other numbers adds none.</summary>
    public int PlansCompiled { get; private set; }

    /// <summary>Bytes that tensors and plans hold on the device.</summary>
    public long AllocatedBytes => Backend.AllocatedBytes;

    internal DeviceAllocator Backend { get; } = new(backend);

    /// <summary>Computes several tensors together: what they share is computed once.</summary>
    /// <exception cref="GraphException">One depends on something that has a value only in a job.</exception>
    /// <exception cref="OutOfDeviceMemoryException"/>
    public void Evaluate(params IReadOnlyList<Tensor> tensors)
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(closed, this);
            Tensor[] missing = [.. tensors.Where(t => Region.Of(t, Known) is null).Distinct()];
            if (missing.Length == 0)
                return;
            var expression = Expression.Of(missing, Known);
            DeviceMemory[] results;
            try
            {
                results = Run(expression);
            }
            catch (OutOfDeviceMemoryException)
            {
                // What nobody needs any more may not have been given back yet.
                plans.Clear();
                GC.Collect();
                GC.WaitForPendingFinalizers();
                results = Run(expression);
            }

            for (int i = 0; i < results.Length; i++)
                Keep(missing[i], new DeviceValues(this, results[i], missing[i].Type.Bytes));
            plans.Trim();
        }
    }

    /// <summary>Copies elements from number <paramref name="offset"/> on, row by row; computes the tensor if need be.</summary>
    /// <exception cref="GraphException">The elements are of another type, or there are not so many.</exception>
    public void CopyTo<T>(Tensor tensor, Span<T> target, long offset = 0) where T : unmanaged
    {
        if (DTypes.Of<T>() != tensor.DType)
            throw new GraphException($"{tensor.Type} is read as {tensor.DType.ToString().ToLowerInvariant()} and not as {typeof(T).Name}: convert it first");
        if (offset < 0 || target.Length > tensor.Shape.Count - offset)
            throw new GraphException($"{target.Length} elements from number {offset} of {tensor.Type}, which has {tensor.Shape.Count}");
        var region = Values(tensor);
        int chunk = ChunkBytes / Unsafe.SizeOf<T>();
        for (int done = 0; done < target.Length; done += chunk)
            region.CopyTo((offset + done) * Unsafe.SizeOf<T>(), MemoryMarshal.AsBytes(target[done..Math.Min(target.Length, done + chunk)]));
    }

    /// <summary>The tensor's type and numbers for people; see <see cref="TensorText"/>.</summary>
    public string Show(Tensor tensor)
    {
        var region = Values(tensor);
        return TensorText.Of(tensor.Type, region.IsWhole ? region.Values : new PartOfValues(region));
    }

    /// <summary>Gives all memory back; tensors that were computed here cannot be read any more.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            if (closed)
                return;
            closed = true;
            plans.Clear();
            Backend.Dispose();
        }
    }

    /// <summary>The memory of a region that is the whole of something large; it is brought to the device once and stays as long as its owner.</summary>
    internal DeviceMemory? Resident(Region region)
    {
        if (!region.IsWhole)
            return null;
        if (region.Values is DeviceValues values && values.IsOn(this))
            return values.Memory;
        if (region.Type.Bytes < ResidentBytesMin)
            return null;
        if (!uploaded.TryGetValue(region.Values, out var copy))
        {
            var memory = Backend.Allocate(region.Type.Bytes);
            Upload(region, new BlockAddress(memory, 0));
            uploaded.Add(region.Values, copy = new DeviceValues(this, memory, region.Type.Bytes));
        }

        return copy.Memory;
    }

    internal unsafe void Upload(Region region, BlockAddress target)
    {
        long bytes = region.Type.Bytes;
        if (region.Values is DeviceValues values && values.IsOn(this))
        {
            Backend.Copy(values.Memory, region.Offset, target.Memory, target.Offset, bytes);
            return;
        }

        byte[] buffer = target.Memory.HostAddress == 0 ? new byte[Math.Min(bytes, ChunkBytes)] : [];
        for (long done = 0; done < bytes; done += ChunkBytes)
        {
            int count = (int)Math.Min(ChunkBytes, bytes - done);
            if (target.Memory.HostAddress != 0)
            {
                region.CopyTo(done, new Span<byte>((byte*)target.Memory.HostAddress + target.Offset + done, count));
                continue;
            }

            region.CopyTo(done, buffer.AsSpan(0, count));
            Backend.Upload(buffer.AsSpan(0, count), target.Memory, target.Offset + done);
        }
    }

    internal void Download(DeviceValues values, long offset, Span<byte> target)
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(closed, this);
            Backend.Download(values.Memory, offset, target);
        }
    }

    // Called by finalizers: takes no lock of ours.
    internal void Free(DeviceMemory memory) => Backend.Free(memory);

    private DeviceMemory[] Run(Expression expression)
    {
        var compiled = plans.Get(expression.Structure, structure =>
        {
            PlansCompiled++;
            return new CompiledExpression(this, structure);
        });
        var results = compiled.Run(expression.Inputs);
        GC.KeepAlive(expression.Inputs);
        return results;
    }

    private Region Values(Tensor tensor)
    {
        if (Region.Of(tensor, Known) is { } known)
            return known;
        Evaluate(tensor);
        return Region.Of(tensor, Known)!.Value;
    }

    private void Keep(Tensor tensor, DeviceValues values)
    {
        computed.AddOrUpdate(tensor, values);
        if (tensor.Producer.Op is Detach)
            tensor.Producer.Settle(new Source(tensor.Type, values));
    }

    private TensorValues? Known(Tensor tensor) => tensor.Producer.Op switch
    {
        Source source => source.Values,
        Constant constant => new HostValues<byte>([constant.Data.Items.AsMemory()]),
        _ when tensor.Shape.Count == 0 => new HostValues<byte>([]),
        _ => computed.TryGetValue(tensor, out var values) ? values : null,
    };
}
