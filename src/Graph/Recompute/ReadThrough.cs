using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;
using Singa.Actors.Graph.Passes;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Recompute;

/// <summary>
/// A step that reads a pointwise result point by point may as well read what that was computed from and compute it as it goes. <c>Inputs</c>
/// are then the step's, <c>Views</c> the reshapes among them that are new.
/// </summary>
internal sealed record ReadThrough(Node Node, Value[] Inputs, List<Step> Views)
{
    /// <param name="input">Which of the reader's inputs.</param>
    /// <param name="available">The value to read in place of one that the pointwise op read; null: there is none.</param>
    /// <returns>Null: it cannot be done.</returns>
    public static ReadThrough? Of(Step reader, int input, Func<Value, Value?> available)
    {
        var read = reader.Inputs[input];
        var source = read.Storage.Maker;
        if (source.Node.Op is not Pointwise behind || Bodies.Of(reader.Node.Op) is not var (body, first) || input < first || !IsReshaped(read))
            return null;
        var views = new List<Step>();
        var replaced = new Value[source.Inputs.Length];
        for (int i = 0; i < replaced.Length; i++)
        {
            if (available(source.Inputs[i]) is not { } value || Fit(value, source.Outputs[0].Tensor.Shape, read.Tensor.Shape, reader.Node.Op is Convolve, views) is not { } fitting)
                return null;
            replaced[i] = fitting;
        }

        // To hold two values for one that was read is no gain.
        if (replaced.Select(v => v.Storage).Distinct().Where(s => !s.Lasts && !reader.Inputs.Any(i => i.Storage == s)).Sum(s => s.Bytes) > read.Storage.Bytes)
            return null;
        var sources = new List<Value>();
        Scalar[] own = first == 0 ? [] : [Scalar.Argument(0, body.Arguments[0])];
        var inlined = ScalarBody.Inline(behind.Body, [.. replaced.Select(Source)])[0];
        var merged = ScalarBody.Inline(body, [.. own, .. reader.Inputs[first..].Select(v => v == read ? inlined : Source(v))])[0];
        if (sources.Count > FusePointwise.ArgumentCountMax)
            return null;
        var program = ScalarBody.Compile([.. body.Arguments[..own.Length], .. sources.Select(s => s.Tensor.DType)], merged);
        Value[] inputs = [.. reader.Inputs[..first], .. sources];
        var node = new Node(Bodies.With(reader.Node.Op, program), [.. inputs.Select(v => v.Tensor)], reader.Node.Scope);
        return new ReadThrough(node, inputs, views);

        Scalar Source(Value value)
        {
            int index = sources.IndexOf(value);
            if (index < 0)
            {
                index = sources.Count;
                sources.Add(value);
            }

            return Scalar.Argument(own.Length + index, value.Tensor.DType);
        }
    }

    private static bool IsReshaped(Value read)
    {
        while (read.Maker is { IsView: true } view)
        {
            if (view.Node.Op is not Reshape)
                return false;
            read = view.Inputs[0];
        }

        return true;
    }

    /// <summary>
    /// What broadcasts to <paramref name="made"/> as it broadcasts to <paramref name="read"/>, the same elements in a shape whose outermost axis
    /// is split in two or joined of two.
    /// </summary>
    private static Value? Fit(Value value, Shape made, Shape read, bool maySplit, List<Step> views)
    {
        var shape = value.Tensor.Shape;
        if (made == read)
            return value;
        if (HoistReshapes.SplitsOutermost(made, read))
        {
            return shape.Rank < made.Rank || shape[0] == 1 ? value
                : View(Shape.Of([read[0], read[1], .. shape.Dims[1..]]));
        }

        if (!HoistReshapes.SplitsOutermost(read, made))
            return null;
        if (shape.Rank < read.Rank || (shape.Rank == read.Rank && shape[0] == 1))
            return value;
        if (shape.Rank != made.Rank)
            return null;
        if (shape[0] * shape[1] == read[0] || shape[0] * shape[1] == 1)
            return View(Shape.Of([shape[0] * shape[1], .. shape.Dims[2..]]));
        // What differs from shard to shard stays as it is.
        return maySplit && shape[0] == made[0] ? value : null;

        Value View(Shape target)
        {
            if (target == shape)
                return value;
            var view = Step.First(new Node(new Reshape(target), [value.Tensor]), [value]);
            views.Add(view);
            return view.Outputs[0];
        }
    }
}
