using System.Collections.Immutable;

namespace Singa.Actors.Graph;

/// <summary>Orders in which every node comes after what it reads.</summary>
public static class Traversal
{
    /// <summary>Depth first from the outputs in their order: what the first output needs comes first. No recursion: graphs are deep.</summary>
    public static ImmutableArray<Node> From(params IEnumerable<Tensor> outputs)
    {
        var order = ImmutableArray.CreateBuilder<Node>();
        var entered = new HashSet<Node>();
        var path = new Stack<(Node Node, int Next)>();
        foreach (var output in outputs)
        {
            Enter(output.Producer);
            while (path.TryPop(out var top))
            {
                if (top.Next == top.Node.Inputs.Length)
                {
                    order.Add(top.Node);
                    continue;
                }

                path.Push((top.Node, top.Next + 1));
                Enter(top.Node.Inputs[top.Next].Producer);
            }
        }

        return order.ToImmutable();

        void Enter(Node node)
        {
            if (entered.Add(node))
                path.Push((node, 0));
        }
    }
}
