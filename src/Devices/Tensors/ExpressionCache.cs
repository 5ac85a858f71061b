using Singa.Actors.Graph;

namespace Singa.Actors.Devices.Tensors;

/// <summary>Plans by their structure; those that were not used for longest go when there are too many or when they hold too much memory.</summary>
internal sealed class ExpressionCache(int countMax = 512, long keptBytesMax = 64 << 20)
{
    private readonly Dictionary<Subgraph, LinkedListNode<(Subgraph Structure, CompiledExpression Compiled)>> known = [];
    private readonly LinkedList<(Subgraph Structure, CompiledExpression Compiled)> byUse = [];

    public int Count => known.Count;

    public CompiledExpression Get(Subgraph structure, Func<Subgraph, CompiledExpression> compile)
    {
        if (known.TryGetValue(structure, out var node))
        {
            byUse.Remove(node);
        }
        else
        {
            known[structure] = node = new((structure, compile(structure)));
        }

        byUse.AddFirst(node);
        return node.Value.Compiled;
    }

    /// <summary>To be called between runs: what just ran is the last to go.</summary>
    public void Trim()
    {
        long kept = byUse.Sum(e => e.Compiled.KeptBytes);
        while (byUse.Count > 1 && (byUse.Count > countMax || kept > keptBytesMax))
        {
            kept -= byUse.Last!.Value.Compiled.KeptBytes;
            Drop(byUse.Last);
        }
    }

    public void Clear()
    {
        while (byUse.Last is { } last)
            Drop(last);
    }

    private void Drop(LinkedListNode<(Subgraph Structure, CompiledExpression Compiled)> node)
    {
        byUse.Remove(node);
        known.Remove(node.Value.Structure);
        node.Value.Compiled.Dispose();
    }
}
