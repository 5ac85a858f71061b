namespace Singa.Actors.Devices.Queue;

/// <summary>
/// Operations that could run now: higher priority first, then what goes on beside the others once it is begun (an exchange of gradients hides behind the
/// rest of backward only if it does not wait for it), then the one admitted first.
/// </summary>
internal sealed class ReadyHeap
{
    private QueuedOperation[] items = new QueuedOperation[64];
    private int count;

    public int Count => Volatile.Read(ref count);

    public void Push(QueuedOperation operation)
    {
        if (count == items.Length)
            Array.Resize(ref items, 2 * count);
        int at = count++;
        while (at > 0)
        {
            int parent = (at - 1) / 2;
            if (!Before(operation, items[parent]))
                break;
            items[at] = items[parent];
            at = parent;
        }

        items[at] = operation;
    }

    public QueuedOperation? Pop()
    {
        if (count == 0)
            return null;
        var first = items[0];
        var moved = items[--count];
        items[count] = null!;
        if (count > 0)
            Sink(moved);
        return first;
    }

    /// <summary>Forgets those that were dropped. Rare, so it may build the heap anew.</summary>
    public void RemoveDropped()
    {
        var kept = items.AsSpan(0, count).ToArray();
        Array.Clear(items, 0, count);
        count = 0;
        foreach (var operation in kept)
        {
            if (operation.State == OperationState.Ready)
                Push(operation);
        }
    }

    private void Sink(QueuedOperation moved)
    {
        int at = 0;
        while (2 * at + 1 < count)
        {
            int child = 2 * at + 1;
            if (child + 1 < count && Before(items[child + 1], items[child]))
                child++;
            if (!Before(items[child], moved))
                break;
            items[at] = items[child];
            at = child;
        }

        items[at] = moved;
    }

    private static bool Before(QueuedOperation a, QueuedOperation b) =>
        a.Priority != b.Priority ? a.Priority > b.Priority
        : a.RunsBeside != b.RunsBeside ? a.RunsBeside
        : a.Sequence < b.Sequence;
}
