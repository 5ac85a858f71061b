namespace Singa.Actors.Devices.Queue;

/// <summary>
/// Who must wait for whom. Entries live in arrays that grow and are used again, linked by index: nothing is allocated once the
/// arrays have the size that the work needs. Not thread-safe.
/// </summary>
internal sealed class HazardGraph
{
    private Edge[] edges = new Edge[256];
    private Access[] accesses = new Access[256];
    private int edgeCount, accessCount, freeEdge = -1, freeAccess = -1;

    /// <summary>RAW: after the last writer of the resource; writers to come will wait for this one.</summary>
    public void Read(QueuedOperation operation, int resource)
    {
        var lane = operation.Lane;
        if (lane.Writers[resource] is { } writer)
            After(writer, operation);
        int entry = TakeAccess(), head = lane.Readers[resource];
        accesses[entry] = new Access(operation, resource, -1, head, operation.Accesses);
        if (head >= 0)
            accesses[head].Previous = entry;
        lane.Readers[resource] = operation.Accesses = entry;
    }

    /// <summary>WAR: after all who read what the last writer left; WAW: after that writer. From now on this one is the last writer.</summary>
    public void Write(QueuedOperation operation, int resource)
    {
        var lane = operation.Lane;
        for (int entry = lane.Readers[resource]; entry >= 0; entry = accesses[entry].Next)
        {
            // Who waits for this operation waits for them too, so nobody needs to find them here any more.
            accesses[entry].Resource = -1;
            if (accesses[entry].Operation != operation)
                After(accesses[entry].Operation, operation);
        }

        if (lane.Writers[resource] is { } writer && writer != operation)
            After(writer, operation);
        lane.Readers[resource] = -1;
        lane.Writers[resource] = operation;
    }

    /// <summary>Strikes an operation that is done from the tables of its job.</summary>
    public void Forget(QueuedOperation operation, ReadOnlySpan<int> writes)
    {
        var lane = operation.Lane;
        foreach (int resource in writes)
        {
            if (lane.Writers[resource] == operation)
                lane.Writers[resource] = null;
        }

        for (int entry = operation.Accesses; entry >= 0;)
        {
            ref var access = ref accesses[entry];
            if (access.Resource >= 0)
                Unlink(ref access, lane);
            int next = access.NextOfOperation;
            access = new Access(null!, -1, -1, freeAccess, -1);
            freeAccess = entry;
            entry = next;
        }

        operation.Accesses = -1;
    }

    /// <summary>Takes one edge off an operation that is done: who waited for it, or null when there is nobody left.</summary>
    public QueuedOperation? Release(QueuedOperation operation)
    {
        int index = operation.Edges;
        if (index < 0)
            return null;
        ref var edge = ref edges[index];
        var waiting = edge.To;
        operation.Edges = edge.Next;
        edge = new Edge(null!, freeEdge);
        freeEdge = index;
        return waiting;
    }

    private void After(QueuedOperation first, QueuedOperation then)
    {
        // Edges to one operation are added together, so a second one between the same two would be at the head.
        if (first.Edges >= 0 && edges[first.Edges].To == then)
            return;
        int index = freeEdge;
        if (index >= 0)
            freeEdge = edges[index].Next;
        else if ((index = edgeCount++) == edges.Length)
            Array.Resize(ref edges, 2 * index);
        edges[index] = new Edge(then, first.Edges);
        first.Edges = index;
        then.Waits++;
    }

    private int TakeAccess()
    {
        int index = freeAccess;
        if (index >= 0)
            freeAccess = accesses[index].Next;
        else if ((index = accessCount++) == accesses.Length)
            Array.Resize(ref accesses, 2 * index);
        return index;
    }

    private void Unlink(ref Access access, JobLane lane)
    {
        if (access.Previous >= 0)
            accesses[access.Previous].Next = access.Next;
        else
            lane.Readers[access.Resource] = access.Next;
        if (access.Next >= 0)
            accesses[access.Next].Previous = access.Previous;
    }

    private record struct Edge(QueuedOperation To, int Next);

    /// <summary><c>Previous</c> and <c>Next</c>: others that read the resource; <c>Resource</c> −1 once a writer came after.</summary>
    private record struct Access(QueuedOperation Operation, int Resource, int Previous, int Next, int NextOfOperation);
}
