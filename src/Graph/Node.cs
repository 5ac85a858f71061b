using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph;

/// <summary>One application of an op to tensors.</summary>
public sealed class Node
{
    /// <exception cref="GraphException">The op does not take inputs of these types.</exception>
    public Node(Op op, ImmutableArray<Tensor> inputs, string scope = "")
    {
        Op = op;
        Inputs = inputs;
        Scope = scope;
        Outputs = [.. op.Infer([.. inputs.Select(i => i.Type)]).Select((type, index) => new Tensor(this, index, type))];
    }

    public Op Op { get; private set; }

    public ImmutableArray<Tensor> Inputs { get; private set; }

    public ImmutableArray<Tensor> Outputs { get; }

    /// <summary>The layer or phase the node belongs to, for people.</summary>
    public string Scope { get; private set; }

    /// <summary>Names the nodes behind a fresh result that have no scope yet: those a layer or a gradient rule just made.</summary>
    internal static void Label(Tensor result, string scope)
    {
        var open = new Stack<Node>([result.Producer]);
        while (open.TryPop(out var node))
        {
            if (node.Scope.Length > 0)
                continue;
            node.Scope = scope;
            foreach (var input in node.Inputs)
                open.Push(input.Producer);
        }
    }

    /// <summary>
    /// Of a node through which no gradient flows and whose value is known nothing else is ever asked: it becomes that value, and what it was
    /// computed from can be forgotten.
    /// </summary>
    internal void Settle(Source value)
    {
        Inputs = [];
        Op = value;
    }

    /// <summary>The only output of a node that has one.</summary>
    public Tensor Output => Outputs.Single();
}
