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

    /// <summary>
    /// A product over panels as one over all columns, for who takes one panel after the other anyway: of its right operand only the columns of a panel lie
    /// side by side, <c>[k, Columns]</c> behind <c>[k, Columns]</c>. Null of any other product.
    /// </summary>
    public static ContractKernel? Joined(ContractKernel kernel)
    {
        if (!kernel.Tree.IsEmpty || kernel.Right.Shape is not { Rank: 3 } panels || panels[2] != Columns || !kernel.Right.IsContiguous || kernel.Left.Strides[0] != 0
            || !kernel.Outputs.Concat(kernel.Epilogue?.Sources ?? []).All(o => o.Strides[0] == Columns * o.Strides[2]))
            return null;
        return kernel with
        {
            Left = Operands.Row(kernel.Left, 0),
            Right = kernel.Right with { Shape = Shape.Of(panels[1], panels[0] * Columns), Strides = kernel.Right.Strides.RemoveAt(0) },
            Target = Join(kernel.Target),
            Epilogue = kernel.Epilogue is { } epilogue ? epilogue with { Sources = [.. epilogue.Sources.Select(Join)] } : null,
        };
    }

    private static (Tensor, Seq<int>)? Key(Node node) =>
        node.Op is Contract { OverShards: false, LeftBatch.Count: 0 } op && node.Inputs[1].Shape.Rank == 2 ? (node.Inputs[1], op.RightSum) : null;

    /// <summary>[rows, columns] as [panels, rows, columns of one].</summary>
    public static Operand Cut(Operand matrix, long columns) => matrix with
    {
        Shape = Shape.Of(matrix.Shape[1] / columns, matrix.Shape[0], columns),
        Strides = [columns * matrix.Strides[1], matrix.Strides[0], matrix.Strides[1]],
    };

    private static Operand Join(Operand panels) => panels with
    {
        Shape = Shape.Of(panels.Shape[1], panels.Shape[0] * panels.Shape[2]), Strides = panels.Strides.RemoveAt(0),
    };
}
