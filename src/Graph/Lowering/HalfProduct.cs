using System.Collections.Immutable;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Graph.Lowering;

/// <summary>Products and convolutions of which some operands lie as BFloat16, in <see cref="Slices"/>.</summary>
internal sealed class HalfProduct(Node node, Lowerer lowerer)
{
    /// <param name="kernel">As if all were Float32; without epilogue where the target is not.</param>
    /// <param name="body">Applied to the result (argument 0) and <paramref name="extras"/>, which have the target's shape; null: nothing.</param>
    public void Emit(ContractKernel kernel, ScalarProgram? body, ImmutableArray<Operand> extras)
    {
        var (left, right, target) = (kernel.Left, kernel.Right, kernel.Target);
        // Products of a batch, or rows of one.
        bool batch = kernel.Tree.IsEmpty && target.Shape.Rank > 2 && target.Shape[0] > 1;
        int axis = batch ? 0 : target.Shape.Rank - 2;
        long bytes = Slices.BytesBeside(left) + Slices.BytesBeside(target) + (batch ? Slices.BytesBeside(right) : 0);
        if (!batch)
            right = Plain(right);
        foreach (var slice in Slices.Of(target.Shape[axis], bytes, Slices.OfProducts))
        {
            var (into, place) = Place(Slices.Cut(target, axis, slice));
            lowerer.Emit(node, kernel with
            {
                Left = Plain(Slices.Cut(left, axis, slice)), Right = batch ? Plain(Slices.Cut(right, axis, slice)) : right, Target = into, Epilogue = null,
            });
            Finish(into, place, body, kernel.Tree.IsEmpty ? [.. extras.Select(e => Slices.Cut(e, axis, slice))] : extras, !kernel.Tree.IsEmpty);
        }
    }

    /// <inheritdoc cref="Emit(ContractKernel, ScalarProgram?, ImmutableArray{Operand})"/>
    public void Emit(ConvolveKernel kernel, ScalarProgram? body, ImmutableArray<Operand> extras)
    {
        if (kernel.Form == ConvolveForm.FilterGradient)
        {
            FilterGradient(kernel, body);
            return;
        }

        bool forward = kernel.Form == ConvolveForm.Forward;
        var (from, target) = forward ? (kernel.Image, kernel.Result) : (kernel.Result, kernel.Image);
        foreach (var slice in Slices.Of(target.Shape[0], Slices.BytesBeside(from) + Slices.BytesBeside(target), Slices.OfConvolutions))
        {
            var (into, place) = Place(Slices.Cut(target, 0, slice));
            var part = Contiguous(Slices.Cut(from, 0, slice));
            lowerer.Emit(node, forward ? kernel with { Image = part, Result = into } : kernel with { Result = part, Image = into });
            Finish(into, place, body, [.. extras.Select(e => Slices.Cut(e, 0, slice))], false);
        }
    }

    /// <summary>Some channels of the image and of the result at a time: each of the one meets each of the other.</summary>
    private void FilterGradient(ConvolveKernel kernel, ScalarProgram? body)
    {
        var (image, result, filter) = (kernel.Image, kernel.Result, kernel.Filter);
        int channels = result.Shape.Rank - 3, rows = filter.Shape.Rank - 4;
        bool isCut = kernel.Groups == 1 && filter.DType == DType.BFloat16;
        foreach (var columns in Slices.Of(image.Shape[channels], isCut ? Slices.BytesBeside(image) : 0, Slices.OfConvolutions))
        {
            var part = Contiguous(Slices.Cut(image, channels, columns));
            var wanted = isCut ? Slices.Cut(filter, rows + 1, columns) : filter;
            foreach (var slice in Slices.Of(result.Shape[channels], isCut ? Slices.BytesBeside(result) + Slices.BytesBeside(wanted) : 0, Slices.OfConvolutions))
            {
                var (into, place) = Place(isCut ? Slices.Cut(wanted, rows, slice) : wanted);
                lowerer.Emit(node, kernel with { Image = part, Result = Contiguous(Slices.Cut(result, channels, slice)), Filter = into });
                Finish(into, place, body, [], !kernel.Tree.IsEmpty);
            }
        }
    }

    private Operand Contiguous(Operand operand) => Plain(operand) is { IsContiguous: true } plain ? plain : lowerer.Materialise(node, operand);

    /// <summary>The operand as Float32.</summary>
    private Operand Plain(Operand operand)
    {
        if (operand.DType != DType.BFloat16)
            return operand;
        var plain = lowerer.Temporary(node, new TensorType(DType.Float32, operand.Shape));
        lowerer.Emit(Lowerer.Label(node.Scope, "Unpack"), new MapKernel(Conversion(DType.BFloat16, DType.Float32), [operand], [plain]));
        return plain;
    }

    private (Operand Into, Operand Place) Place(Operand target) =>
        (target.DType == DType.BFloat16 ? lowerer.Temporary(node, new TensorType(DType.Float32, target.Shape)) : target, target);

    private void Finish(Operand into, Operand place, ScalarProgram? body, ImmutableArray<Operand> extras, bool ofShards)
    {
        if (body is null && into == place)
            return;
        if (ofShards)
            (into, place) = (Operands.Row(into, 0), Operands.Row(place, 0));
        lowerer.Emit(Lowerer.Label(node.Scope, "Pack"), new MapKernel(body ?? Conversion(DType.Float32, place.DType), [into, .. extras], [place]));
    }

    private static ScalarProgram Conversion(DType from, DType to) => ScalarBody.Compile([from], Fn.Convert(Scalar.Argument(0, from), to));
}
