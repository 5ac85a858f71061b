using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Graph.Lowering;

/// <summary>
/// A matrix that several products have on their right, as a recurrent layer's weights at each step, is laid out once: panels of
/// <see cref="Columns"/> columns, each row of a panel side by side, which is how backends read it. The products then run over panels as over
/// a batch, with the same bits. One that cannot be cut evenly and is read across its rows becomes a single panel.
/// </summary>
internal sealed class Panels
{
    public const int Columns = 64;

    private const int ReadersMin = 4;

    private readonly Dictionary<(Tensor, Seq<int>), int> readers = [];
    private readonly Dictionary<(Tensor, Seq<int>), Operand> laid = [];

    public void Count(IEnumerable<Node> order)
    {
        foreach (var node in order)
        {
            if (Key(node) is { } key)
                readers[key] = readers.GetValueOrDefault(key) + 1;
        }
    }

    /// <summary>The kernel over panels for one over the whole matrix; the kernel itself where that is not worth while.</summary>
    /// <param name="copy">Copies a view into memory of its own.</param>
    public ContractKernel Apply(Node node, ContractKernel kernel, Func<Operand, Operand> copy)
    {
        var right = kernel.Right;
        if (Key(node) is not { } key || readers[key] < ReadersMin || right.Shape.Rank != 2)
            return kernel;
        bool even = right.Shape[1] % Columns == 0;
        if (!even && right.Strides[1] == 1)
            return kernel;
        long columns = even ? Columns : right.Shape[1];
        if (!laid.TryGetValue(key, out var panels))
            laid[key] = panels = copy(Cut(right, columns));
        return new ContractKernel(
            kernel.Left with { Shape = kernel.Left.Shape.Prepend(panels.Shape[0]), Strides = [0, .. kernel.Left.Strides] }, panels, Cut(kernel.Target, columns), [],
            kernel.Epilogue is { } epilogue ? epilogue with { Sources = [.. epilogue.Sources.Select(s => Cut(s, columns))] } : null);
    }

    private static (Tensor, Seq<int>)? Key(Node node) =>
        node.Op is Contract { OverShards: false, LeftBatch.Count: 0 } op && node.Inputs[1].Shape.Rank == 2 ? (node.Inputs[1], op.RightSum) : null;

    /// <summary>[rows, columns] as [panels, rows, columns of one].</summary>
    private static Operand Cut(Operand matrix, long columns) => matrix with
    {
        Shape = Shape.Of(matrix.Shape[1] / columns, matrix.Shape[0], columns),
        Strides = [columns * matrix.Strides[1], matrix.Strides[0], matrix.Strides[1]],
    };
}
