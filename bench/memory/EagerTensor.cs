using Singa.Actors.Graph;

namespace Singa.Actors.Bench.Memory;

/// <summary>Bytes of tensors that somebody holds, now and at most.</summary>
internal sealed class EagerMemory
{
    public long Live { get; private set; }

    public long Peak { get; private set; }

    public void Add(long bytes) => Peak = Math.Max(Peak, Live += bytes);

    public EagerTensor Allocate(Shape shape) => new(this, shape);
}

/// <summary>A tensor as an eager framework holds it: freed when nobody refers to it any more. Whoever makes one refers to it once.</summary>
internal sealed class EagerTensor
{
    private readonly EagerMemory memory;
    private readonly long bytes;
    private int references = 1;

    /// <param name="elementBytes">4 for float32; 8 for the indices of pooling.</param>
    public EagerTensor(EagerMemory memory, Shape shape, int elementBytes = sizeof(float))
    {
        (this.memory, Shape, bytes) = (memory, shape, shape.Count * elementBytes);
        memory.Add(bytes);
    }

    public Shape Shape { get; set; }

    public EagerTensor Keep()
    {
        references++;
        return this;
    }

    public void Free()
    {
        if (references == 0)
            throw new InvalidOperationException($"a tensor of shape {Shape} is freed twice");
        if (--references == 0)
            memory.Add(-bytes);
    }
}
