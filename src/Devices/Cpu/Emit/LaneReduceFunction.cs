using System.Reflection.Emit;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Scalars;

namespace Singa.Actors.Devices.Cpu.Emit;

/// <summary>
/// A program's result over each of some rows joined into 16 interleaved lanes. Lanes begin with the reduction's neutral element, which
/// changes nothing it is joined with (−0 for a sum), so that a lane that gets no element counts as absent; a row may be done
/// in pieces of multiples of 16.
/// </summary>
internal static class LaneReduceFunction
{
    public static RowsDelegate Compile(Reduction reduction, ScalarProgram program, long[] strides, VectorWidth width, params long[] ahead)
    {
        const short steps = Emitted.First, rows = Emitted.First + 1;
        int laneSize = LaneProgram.LaneSize(program);
        var method = Emitted.Method("lanes", typeof(nint*), typeof(long));
        var il = method.GetILGenerator();
        var row = new RowEmitter(il, program, targets: 0, strides, width, laneSize, ReduceKernel.Lanes) { Ahead = ahead };
        var simd = Simd.Of(program.Instructions[program.Results[0]].Type, width);
        var lanes = new LocalBuilder[ReduceKernel.Lanes / simd.Lanes];
        var before = new LocalBuilder[lanes.Length];
        var again = il.DefineLabel();
        row.Stages();
        il.MarkLabel(again);
        for (int i = 0; i < lanes.Length; i++)
        {
            (lanes[i], before[i]) = (il.DeclareLocal(simd.Value), il.DeclareLocal(simd.Value));
            Address(il, program);
            Emitted.Offset(il, i * simd.Bytes);
            simd.Load(il);
            il.Emit(OpCodes.Stloc, lanes[i]);
        }

        row.Begin();
        Emitted.Constant(il, row.Index, 0);
        Emitted.Constant(il, row.Limit, ReduceKernel.Lanes);
        Emitted.Blocks(
            il, row, ReduceKernel.Lanes,
            body: () =>
            {
                for (int i = 0; i < lanes.Length; i++)
                {
                    var value = row.Values(i)[0];
                    il.Emit(OpCodes.Ldloc, lanes[i]);
                    il.Emit(OpCodes.Ldloc, value);
                    Join(il, simd, reduction);
                    il.Emit(OpCodes.Stloc, lanes[i]);
                }
            },
            redirect: () => Copy(il, lanes, before),
            finish: () => KeepMissing(il, row, simd, lanes, before));
        for (int i = 0; i < lanes.Length; i++)
        {
            Address(il, program);
            Emitted.Offset(il, i * simd.Bytes);
            il.Emit(OpCodes.Ldloc, lanes[i]);
            simd.Store(il);
        }

        row.Next(steps, operands: program.Arguments.Length + 1);
        Emitted.CountDown(il, rows, again);
        il.Emit(OpCodes.Ret);
        return Emitted.Delegate<RowsDelegate>(method);
    }

    // The last pointer is to the lanes.
    private static void Address(ILGenerator il, ScalarProgram program)
    {
        il.Emit(OpCodes.Ldarg, Emitted.Pointers);
        Emitted.Offset(il, program.Arguments.Length * IntPtr.Size);
        il.Emit(OpCodes.Ldind_I);
    }

    private static void Join(ILGenerator il, Simd simd, Reduction reduction)
    {
        switch (reduction)
        {
            case Reduction.Sum: simd.Add(il); break;
            case Reduction.Maximum: simd.Maximum(il); break;
            default: simd.Minimum(il); break;
        }
    }

    private static void Copy(ILGenerator il, LocalBuilder[] from, LocalBuilder[] to)
    {
        for (int i = 0; i < from.Length; i++)
        {
            il.Emit(OpCodes.Ldloc, from[i]);
            il.Emit(OpCodes.Stloc, to[i]);
        }
    }

    // Lanes beyond the row's last element joined whatever their stage held: they go back to what they were.
    private static void KeepMissing(ILGenerator il, RowEmitter row, Simd simd, LocalBuilder[] lanes, LocalBuilder[] before)
    {
        var integers = simd.Integer;
        var exists = il.DeclareLocal(simd.Mask);
        for (int i = 0; i < lanes.Length; i++)
        {
            il.Emit(OpCodes.Call, integers.Value.GetProperty("Indices")!.GetMethod!);
            il.Emit(OpCodes.Ldloc, row.Limit);
            il.Emit(OpCodes.Ldc_I8, (long)i * simd.Lanes);
            il.Emit(OpCodes.Sub);
            if (integers.DType == DType.Int32)
                il.Emit(OpCodes.Conv_I4);
            integers.Broadcast(il);
            integers.Less(il);
            il.Emit(OpCodes.Stloc, exists);
            simd.Select(il, () => il.Emit(OpCodes.Ldloc, exists), () => il.Emit(OpCodes.Ldloc, lanes[i]), () => il.Emit(OpCodes.Ldloc, before[i]));
            il.Emit(OpCodes.Stloc, lanes[i]);
        }
    }
}
