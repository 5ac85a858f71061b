using Singa.Actors.Devices.Cpu.Winograd;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Convolve;

internal static unsafe class ConvolveCompiler
{
    /// <exception cref="NotSupportedException">An operand is not laid out as the form says.</exception>
    public static CompiledKernel Compile(ConvolveKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context)
    {
        if (new[] { kernel.Image, kernel.Filter, kernel.Result }.FirstOrDefault(o => !o.IsContiguous && (kernel.Tree.IsEmpty || o != kernel.Filter)) is { } strided)
            throw new NotSupportedException($"a convolution takes contiguous tensors; one of shape {strided.Shape} has strides [{string.Join(", ", strided.Strides)}]");
        nint Address(Operand operand) => (nint)CpuKernel.Address(operand, blocks);
        if (kernel.Winograd)
            return kernel.Form == ConvolveForm.FilterGradient ? FilterGradientCompiler.Compile(kernel, context, Address) : WinogradConvolve.Compile(kernel, context.KeepsWeights ? blocks[kernel.Filter.Block].Resting : null, context, Address);
        if (kernel.Form != ConvolveForm.FilterGradient && InPlaceConvolve.Compile(kernel, context, Address) is { } inPlace)
            return inPlace;
        return kernel.Form switch
        {
            ConvolveForm.Forward => new CpuConvolveForward(kernel, context, Address),
            ConvolveForm.ImageGradient => new CpuImageGradient(kernel, context, Address),
            _ => (CompiledKernel?)InPlaceFilterGradient.Of(kernel, context, Address) ?? new CpuFilterGradient(kernel, context, Address),
        };
    }
}
