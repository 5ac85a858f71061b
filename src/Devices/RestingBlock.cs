namespace Singa.Actors.Devices;

/// <summary>
/// A block that no operation of its plan writes, in a plan that does not train: weights that only predict. Kernels may keep what they make of its content, once for all
/// that want the same; it is made again when somebody has written the block.
/// </summary>
public sealed class RestingBlock
{
    private readonly Dictionary<object, KeptForm> forms = [];

    internal IEnumerable<KeptForm> Forms => forms.Values;

    /// <summary>Called while kernels are compiled; there is memory when they run.</summary>
    /// <param name="form">What is made, by value: kernels that say the same share it.</param>
    /// <param name="bytes">How much memory it takes.</param>
    public KeptForm Keep(object form, long bytes)
    {
        if (!forms.TryGetValue(form, out var kept))
            forms.Add(form, kept = new KeptForm(bytes));
        return kept;
    }

    internal void Written()
    {
        foreach (var form in forms.Values)
            form.IsMade = false;
    }
}

/// <summary>Memory for what kernels make of a <see cref="RestingBlock"/>.</summary>
public sealed class KeptForm(long bytes)
{
    public long Bytes => bytes;

    public DeviceMemory? Memory { get; internal set; }

    /// <summary>Whether it is there; whoever finds that it is not makes it.</summary>
    public bool IsMade { get; set; }
}
